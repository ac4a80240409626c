# The portal as one image: web, worker and scheduler differ by their command only.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# Pango draws the invoices; harfbuzz-subset halves the time that takes.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 comptoir

WORKDIR /app
COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt

COPY . ./
ENV VAR_DIR=/var/lib/comptoir STATIC_ROOT=/app/static-collected
# A key for these two commands alone: at run time the image refuses to start without SECRET_KEY.
RUN SECRET_KEY=build DATABASE_URL=postgres://unset/unset REDIS_URL=redis://unset \
    python manage.py compilemessages \
    && SECRET_KEY=build DATABASE_URL=postgres://unset/unset REDIS_URL=redis://unset \
    python manage.py collectstatic --no-input \
    && mkdir -p /var/lib/comptoir \
    && chown comptoir /var/lib/comptoir

USER comptoir
VOLUME /var/lib/comptoir
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--blocking-threads", "1", "--no-ws", "--respawn-failed-workers", "--workers-kill-timeout", "10", "portal.wsgi:application"]
