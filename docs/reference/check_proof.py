"""Check a proof of settle with nothing but Python: check_proof.py PROOF.json [BLOCK:HEAD]"""

import hashlib
import json
import sys


def need(holds, why):
    if not holds:
        sys.exit(f"WRONG: {why}")


def sha256(content):
    return hashlib.sha256(content).digest()


def root(leaf, index, count, path):  # RFC 9162, section 2.1.3.2
    need(0 <= index < count, "a line has a place that its block has not")
    node, last = sha256(b"\0" + leaf), count - 1
    for sibling in map(bytes.fromhex, path):
        need(last > 0, "a path is too long")
        left = index % 2 or index == last
        node = sha256(b"\1" + (sibling + node if left else node + sibling))
        while left and index and index % 2 == 0:
            index, last = index // 2, last // 2
        index, last = index // 2, last // 2
    need(last == 0, "a path is too short")
    return node.hex()


proof = json.load(open(sys.argv[1]))
head, places = None, set()
for block in proof["blocks"]:
    header = json.loads(block["header"])
    need(head in (None, header["previous"]), f"block {header['block']} follows another one")
    head = sha256(block["header"].encode()).hex()
    for line in block["lines"]:
        found = root(line["leaf"].encode(), line["index"], header["count"], line["path"])
        need(found == header["root"], f"a line is not in block {header['block']}")
        need((head, line["index"]) not in places, "a line stands here twice")
        places.add((head, line["index"]))
        print(header["block"], json.dumps(json.loads(line["leaf"])["row"]))
need(head == proof["head"], "the last header does not give the head")
head = f"{header['block']}:{head}"
need(len(sys.argv) < 3 or sys.argv[2] == head, f"its head is {head}, which is another one")
print(f"{len(places)} lines, in the chain whose head is {head}")
