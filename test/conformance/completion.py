"""A provider opts a person out without waiting, and PyJWT verifies what Sever says about the end of it."""

import json
import os
import time

import jwt
from httpx2 import Client

URL = os.environ["SCIM_URL"]
EVENT = "urn:ietf:params:scim:event:misc:asyncresp"
http = Client(headers={"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"}, timeout=60)

answer = http.patch(
    f"{URL}/Users/{os.environ['USER_ID']}",
    headers={"Prefer": "respond-async, wait=1"},
    json={
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": False}],
    },
)
assert answer.status_code == 202 and answer.content == b"", answer.text
assert answer.headers["Preference-Applied"] == "respond-async"
txn = answer.headers["Set-Txn"]

keys = jwt.PyJWKClient(os.environ["JWKS_URL"])
claims = None
deadline = time.monotonic() + 60
while claims is None and time.monotonic() < deadline:
    for jti, token in http.post(f"{URL}/SecurityEvents", json={}).json()["sets"].items():
        assert jwt.get_unverified_header(token)["typ"] == "secevent+jwt"
        key = keys.get_signing_key_from_jwt(token)
        told = jwt.decode(token, key, algorithms=["ES256"], audience=URL, issuer=os.environ["ISSUER"])
        assert told["jti"] == jti and "sub" not in told
        if told["txn"] == txn:
            claims = told
        http.post(f"{URL}/SecurityEvents", json={"ack": [jti], "maxEvents": 0})
assert claims is not None, "nothing was told within a minute"
left = http.post(f"{URL}/SecurityEvents", json={"returnImmediately": True}).json()
print(json.dumps({"txn": txn, "event": claims["events"][EVENT], "uri": claims["sub_id"]["uri"], "left": left}))
