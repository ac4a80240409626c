"""The link to sign, what is under it, and the page that recognises a file of ours."""

from django.urls import path

from signatures import views

app_name = "signatures"
urlpatterns = [
    path("sign/<str:token>/", views.sign, name="sign"),
    path("sign/<str:token>/read/<slug:language>/", views.document_read, name="read"),
    path("sign/<str:token>/document/<slug:language>.pdf", views.document_pdf, name="document"),
    path("sign/<str:token>/code/", views.code_send, name="code"),
    path("sign/<str:token>/decline/", views.decline, name="decline"),
    path("sign/<str:token>/signed.pdf", views.signed_pdf, name="signed"),
    path("verify/", views.verify, name="verify"),
]
