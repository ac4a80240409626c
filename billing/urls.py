"""Documents of one customer. A number may hold a slash, so what ends its address is what tells routes apart."""

from django.urls import path, register_converter

from billing import downloads, views
from billing.numbers import DocumentNumberConverter

register_converter(DocumentNumberConverter, "number")

app_name = "billing"
urlpatterns = [
    path("c/<slug:customer_id>/invoices/", views.invoice_list, name="invoice-list"),
    path("c/<slug:customer_id>/invoices/export.csv", views.invoice_export, name="invoice-export"),
    path("c/<slug:customer_id>/invoices/<number:number>.pdf", downloads.invoice_pdf, name="invoice-pdf"),
    path(
        "c/<slug:customer_id>/invoices/<number:number>.pdf/prepare/",
        downloads.invoice_pdf_prepare,
        name="invoice-pdf-prepare",
    ),
    path("c/<slug:customer_id>/invoices/<number:number>/", views.invoice_detail, name="invoice-detail"),
]
