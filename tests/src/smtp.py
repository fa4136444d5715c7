"""An SMTP server that files what it receives into a Maildir, and may ask for TLS and a password."""

import asyncio
import json
import ssl
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, AuthResult

wanted = json.loads(sys.argv[1])
guard = wanted["guard"]


class TracingMailbox(Mailbox):
    """Writes the protocol it came by on the letter, in the words of RFC 3848: S is TLS, A a password."""

    async def handle_DATA(self, server, session, envelope):
        tls = "S" if server.transport.get_extra_info("ssl_object") else ""
        password = "A" if session.authenticated else ""
        trace = f"Received: from {session.host_name} by localhost with ESMTP{tls}{password}\r\n"
        envelope.content = trace.encode() + envelope.content
        return await super().handle_DATA(server, session, envelope)


def check(server, session, envelope, mechanism, data):
    account = (data.login.decode(), data.password.decode())
    return AuthResult(success=account == (guard["user"], guard["password"]), handled=False)


def options(tls):
    if guard is None:
        return {}
    # What is wrapped in TLS from the start needs no STARTTLS, and aiosmtpd knows of no TLS but that.
    starttls = {} if guard["implicit"] else {"tls_context": tls, "require_starttls": True}
    return starttls | {
        "auth_required": True,
        "auth_require_tls": not guard["implicit"],
        "authenticator": check,
    }


async def main():
    tls = None
    if guard is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(guard["certificate"], guard["key"])
    mailbox = TracingMailbox(wanted["maildir"])
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, **options(tls)),
        wanted["host"],
        wanted["port"],
        ssl=tls if guard is not None and guard["implicit"] else None,
    )
    await server.serve_forever()


asyncio.run(main())
