"""Documents of one customer. A number may hold a slash, so what ends its address is what tells routes apart."""

from django.urls import path

from billing import views

app_name = "billing"
urlpatterns = [
    path("c/<slug:customer_id>/invoices/", views.invoice_list, name="invoice-list"),
    path("c/<slug:customer_id>/invoices/export.csv", views.invoice_export, name="invoice-export"),
    path("c/<slug:customer_id>/invoices/<path:number>/", views.invoice_detail, name="invoice-detail"),
]
