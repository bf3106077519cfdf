"""Two people come, change and leave, as a provider that uses the scim2-client library would tell it."""

import json
import os

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation

http = Client(
    base_url=os.environ["SCIM_URL"],
    headers={"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"},
)
scim = SyncSCIMClient(http)
scim.discover()
User = scim.get_resource_model("User")


def arrives(user_name):
    person = scim.create(User(user_name=user_name, active=True, display_name="Before"))
    assert person.id and person.user_name == user_name and person.active is True
    person.display_name = "After"
    changed = scim.replace(person)
    assert changed.display_name == "After" and changed.meta.version != person.meta.version
    return changed


left = arrives("leaver@conformance.example")
deactivate = PatchOp[User](operations=[PatchOperation(op="replace", path="active", value=False)])
answer = scim.modify(User, left.id, deactivate)
assert answer is None or answer.active is False
assert scim.query(User, left.id).active is False

deleted = arrives("deleted@conformance.example")
scim.delete(User, deleted.id)
listed = scim.query(User)
assert [person.user_name for person in listed.resources] == [left.user_name]

print(json.dumps({"left": left.user_name, "deleted": deleted.user_name}))
