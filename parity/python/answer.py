"""Answers questions about OCSP messages with Python's cryptography: JSON lines in, JSON lines out."""

import json
import sys

from cryptography import __version__, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp


def time(value):
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def hexadecimal(value):
    return None if value is None else value.hex()


def extensions(values):
    return [[item.oid.dotted_string, item.critical, item.value.public_bytes().hex()] for item in values]


def cert_id(message):
    return [
        message.hash_algorithm.name,
        message.issuer_name_hash.hex(),
        message.issuer_key_hash.hex(),
        str(message.serial_number),
    ]


def request(question):
    message = ocsp.load_der_ocsp_request(bytes.fromhex(question["message"]))
    return {
        "bytes": message.public_bytes(Encoding.DER).hex(),
        "certId": cert_id(message),
        "extensions": extensions(message.extensions),
    }


def response(question):
    message = ocsp.load_der_ocsp_response(bytes.fromhex(question["message"]))
    name = message.responder_name
    reason = message.revocation_reason
    return {
        "bytes": message.public_bytes(Encoding.DER).hex(),
        "responseStatus": message.response_status.value,
        "signatureAlgorithmOid": message.signature_algorithm_oid.dotted_string,
        "signature": message.signature.hex(),
        "tbsResponseBytes": message.tbs_response_bytes.hex(),
        "certificates": [item.public_bytes(Encoding.DER).hex() for item in message.certificates],
        "responderKeyHash": hexadecimal(message.responder_key_hash),
        "responderName": None if name is None else name.public_bytes().hex(),
        "producedAt": time(message.produced_at_utc),
        "certificateStatus": message.certificate_status.value,
        "revocationTime": time(message.revocation_time_utc),
        "revocationReason": None if reason is None else reason.value,
        "thisUpdate": time(message.this_update_utc),
        "nextUpdate": time(message.next_update_utc),
        "certId": cert_id(message),
        "extensions": extensions(message.extensions),
        "singleExtensions": extensions(message.single_extensions),
    }


def build(question):
    subject, issuer = (x509.load_der_x509_certificate(bytes.fromhex(question[name])) for name in ("subject", "issuer"))
    algorithm = getattr(hashes, question["hash"].upper())()
    made = ocsp.OCSPRequestBuilder().add_certificate(subject, issuer, algorithm).build()
    return made.public_bytes(Encoding.DER).hex()


QUESTIONS = {"request": request, "response": response, "build": build, "version": lambda _: __version__}

for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = QUESTIONS[question["kind"]](question)
    except (ValueError, TypeError, NotImplementedError) as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
