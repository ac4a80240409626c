import pytest
from accounts.models import OutgoingMessage
from tests.e2e.test_agents import *
@pytest.mark.django_db(transaction=True)
def test_pics(browse, root, acme, asked, sam):
    v = browse(); v.sign_in(root.email, factories.PASSWORD)
    A=AccessRequest.objects.first()
    for n,a in {"merchant":reverse("admin:organizations_merchant_change",args=[acme.merchant_id]),"user":reverse("admin:accounts_user_change",args=[sam.pk]),"users":reverse("admin:accounts_user_changelist"),"msg":reverse("admin:accounts_outgoingmessage_change",args=[OutgoingMessage.objects.filter(status="failed").first().pk]),"msgs":reverse("admin:accounts_outgoingmessage_changelist"),"hist":reverse("admin:organizations_auditevent_changelist"),"agents":reverse("admin:organizations_merchant_agents",args=[acme.merchant_id]),"refuse":reverse("admin:organizations_accessrequest_refuse",args=[A.pk]),"cust":reverse("admin:organizations_customer_changelist")}.items():
        v.open(a); v.page.screenshot(path=f"/tmp/shots/R-{n}.png")
    v.open(reverse("admin:organizations_customer_contact_email",args=[acme.pk])); v.submit("main form button"); v.page.screenshot(path="/tmp/shots/R-error.png")
