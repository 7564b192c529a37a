"""Check a proof of settle with nothing but Python: check_proof.py PROOF.json [BLOCK:HEAD]"""

import hashlib
import json
import sys


def need(holds, why):
    return holds or sys.exit(f"WRONG: {why}")


def sha256(content):
    return hashlib.sha256(content).digest()


def root(leaf, index, count, path):  # over `count` leaves: RFC 6962, section 2.1
    need(0 <= index < count and bool(path) == (count > 1), "a line has no such place or path")
    if count == 1:
        return sha256(b"\0" + leaf)
    half = 1 << (count - 1).bit_length() - 1
    *path, sibling = path
    if index < half:
        return sha256(b"\1" + root(leaf, index, half, path) + bytes.fromhex(sibling))
    return sha256(b"\1" + bytes.fromhex(sibling) + root(leaf, index - half, count - half, path))


proof, head, places = json.load(open((sys.argv[1:] or sys.exit(__doc__))[0])), None, set()
for block in proof["blocks"]:
    header = json.loads(block["header"])
    need(head in (None, header["previous"]), f"block {header['block']} follows another one")
    head = sha256(block["header"].encode()).hex()
    for line in block["lines"]:
        found = root(line["leaf"].encode(), line["index"], header["count"], line["path"])
        need(found.hex() == header["root"], f"a line is not in block {header['block']}")
        need((head, line["index"]) not in places, "a line stands here twice")
        places.add((head, line["index"]))
        print(header["block"], json.dumps(json.loads(line["leaf"])["row"]))
need(head == proof["head"], "the last header does not give the head")
need(sys.argv[2:] in ([], [f"{header['block']}:{head}"]), f"its head is {header['block']}:{head}")
print(f"{len(places)} lines, in the chain whose head is {header['block']}:{head}")
