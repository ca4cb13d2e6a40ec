"""One libtorrent session that speaks uTP and no TCP, for comparison.

    torrent.py make FILE TORRENT                make a torrent of a file
    torrent.py seed TORRENT FOLDER ADDRESS      seed it, and print "ready"
    torrent.py fetch TORRENT FOLDER ADDRESS SEED   fetch it from the seed's address
"""

import os
import sys
import time

import libtorrent as lt

PORT = 6881


def make(path, torrent):
    files = lt.file_storage()
    lt.add_files(files, path)
    made = lt.create_torrent(files)
    lt.set_piece_hashes(made, os.path.dirname(path))
    with open(torrent, "wb") as out:
        out.write(lt.bencode(made.generate()))


def run(torrent, folder, address, seed=None):
    session = lt.session({
        "listen_interfaces": "%s:%d" % (address, PORT),
        # There is one peer, and no world outside to look for others in.
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_incoming_tcp": False,
        "enable_outgoing_tcp": False,
        "enable_incoming_utp": True,
        "enable_outgoing_utp": True,
    })
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent)
    params.save_path = folder
    if seed is None:
        params.flags |= lt.torrent_flags.seed_mode
    handle = session.add_torrent(params)
    while not seed and not handle.status().is_seeding:
        time.sleep(0.01)
    if seed:
        handle.connect_peer((seed, PORT))
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    {"make": make, "seed": run, "fetch": run}[sys.argv[1]](*sys.argv[2:])
