"""A mail server for tests: STARTTLS or nothing, a password, and mails as JSON lines.

Arguments: port (0 takes a free one), certificate file, key file, user, password.
Prints {"port": n} once it listens, then a line per mail it took.
"""

import json
import ssl
import sys
import threading
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def say(line: dict) -> None:
    print(json.dumps(line), flush=True)


class Mails:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        say(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "subject": mail["Subject"],
                "text": mail.get_content(),
                "tls": session.ssl is not None,
                "user": (session.auth_data or LoginPassword(b"", b"")).login.decode(),
            }
        )
        return "250 taken"


port, certificate, key, user, password = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


def known(server, session, envelope, mechanism, data):
    right = data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=right, handled=False, auth_data=data)


class Server(Controller):
    def factory(self):
        return SMTP(
            self.handler,
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=known,
        )

    def _trigger_server(self):
        say({"port": self.server.sockets[0].getsockname()[1]})


controller = Server(Mails(), hostname="127.0.0.1", port=int(port))
controller.start()
threading.Event().wait()
