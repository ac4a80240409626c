"""The merchant's hue as printable colours: OKLCH, as on the screens, turned into the sRGB that PDF/A declares."""

from __future__ import annotations

from math import cos, radians, sin

# name: lightness, chroma
SHADES = {"accent": (0.43, 0.085), "wash": (0.968, 0.014), "rule": (0.84, 0.035)}


LINEAR_BELOW = 0.0031308


def _encoded(light: float) -> int:
    """One linear component (0 to 1) as an sRGB byte (IEC 61966-2-1)."""
    light = min(max(light, 0.0), 1.0)
    return round(255 * (12.92 * light if light <= LINEAR_BELOW else 1.055 * light ** (1 / 2.4) - 0.055))


def shade(*, name: str, hue: int) -> str:
    """One shade of a hue (degrees) as #rrggbb; the matrices are those of CSS Color 4, 18."""
    lightness, chroma = SHADES[name]
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = _encoded(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short)
    green = _encoded(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short)
    blue = _encoded(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short)
    return f"#{red:02x}{green:02x}{blue:02x}"
