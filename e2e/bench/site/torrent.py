"""One libtorrent session with its default settings, for comparison.

    torrent.py make FILE TORRENT TRACKER     make a torrent of a file
    torrent.py run TORRENT FOLDER ADDRESS    print "ready", wait for a line, download
                                             into (or seed from) FOLDER, print "done"
"""

import os
import sys
import time

import libtorrent as lt


def make(path, torrent, tracker):
    files = lt.file_storage()
    lt.add_files(files, path)
    made = lt.create_torrent(files)
    made.add_tracker(tracker)
    lt.set_piece_hashes(made, os.path.dirname(path))
    with open(torrent, "wb") as out:
        out.write(lt.bencode(made.generate()))


def run(torrent, folder, address):
    session = lt.session({
        "listen_interfaces": address + ":6881",
        # There is a tracker, and no world outside to look for peers in.
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "allow_multiple_connections_per_ip": True,
    })
    print("ready", flush=True)
    sys.stdin.readline()
    handle = session.add_torrent({"ti": lt.torrent_info(torrent), "save_path": folder})
    while not handle.status().is_seeding:
        time.sleep(0.01)
    print("done", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    {"make": make, "run": run}[sys.argv[1]](*sys.argv[2:])
