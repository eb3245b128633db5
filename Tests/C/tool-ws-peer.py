"""A WebSocket server of few words, for one connection: prints its port, then does what the mode says.

refuse        answers the upgrade with 401
redirect URL  answers with 302
mute          prints the request and does not answer it
close CODE    opens and closes with the code
vanish        opens and ends the connection without a close frame
silent        opens and waits for a close frame, which it answers
slow          opens, reads nothing for a while, then counts the messages until the peer closes
"""

import base64
import hashlib
import socket
import sys
import time

REFUSAL = (
    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"peers\"\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 13\r\n\r\nwho are you?\n"
)




def upgrade(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(4096)
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    key = fields[b"Sec-WebSocket-Key"] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def count_messages(connection):
    """Frames of fewer than 126 bytes, as a client sends them (RFC 6455 section 5.2), until its close frame."""
    reader = connection.makefile("rb", 1 << 20)
    count = 0
    while True:
        first, length = reader.read(2)
        reader.read(4 + (length & 127))
        if first & 15 == 8:
            connection.sendall(b"\x88\x00")
            return count
        count += 1


def main(mode, argument=""):
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
    connection.settimeout(30)
    if mode == "refuse":
        connection.recv(4096)
        connection.sendall(REFUSAL)
        return
    if mode == "redirect":
        connection.recv(4096)
        head = "HTTP/1.1 302 Found\r\nLocation: " + argument + "\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head.encode())
        return
    if mode == "mute":
        print(connection.recv(4096).decode(), flush=True)
        connection.recv(4096)
        return
    upgrade(connection)
    if mode == "close":
        reason = int(argument).to_bytes(2, "big") + b"no more"
        connection.sendall(bytes([0x88, len(reason)]) + reason)
        connection.recv(4096)
    elif mode == "silent":
        count_messages(connection)
    elif mode == "slow":
        time.sleep(0.5)
        print(count_messages(connection), "messages", flush=True)


main(*sys.argv[1:])
