// A private PostgreSQL cluster in a folder, with its defaults (fsync and synchronous_commit are on)
// but for wal_level. PostgreSQL refuses to run as root: then it runs as the user postgres, or
// nobody.
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { freePort, start } from "../harness/processes.mjs";

const DEBIAN = "/usr/lib/postgresql"; // its versions are folders in here

// The folder of initdb and postgres: on Debian they are not on the PATH.
function binaries() {
  for (const folder of (process.env.PATH ?? "").split(":")) {
    if (existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres"))) return folder;
  }
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => b - a) : [];
  const found = versions
    .map((version) => join(DEBIAN, version, "bin"))
    .find((bin) => existsSync(join(bin, "initdb")));
  if (!found) throw new Error("PostgreSQL's server is missing (Debian: postgresql)");
  return found;
}

function identity() {
  if (process.getuid() !== 0) return {};
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const user =
    users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody");
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

export async function startPostgres(folder) {
  const bin = binaries();
  const as = identity();
  const home = join(folder, "postgres");
  const data = join(home, "data");
  mkdirSync(home);
  if (as.uid !== undefined) {
    chownSync(home, as.uid, as.gid);
    for (let path = folder; path !== dirname(path) && !isOpen(path); path = dirname(path))
      chmodSync(path, 0o711);
  }
  const options = { cwd: home, ...as };
  execFileSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "bench", "--auth", "trust", "--no-locale", "-E", "UTF8"],
    {
      ...options,
      stdio: "pipe",
    }
  );
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    wal_level: "logical",
  };
  const words = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = await start(join(bin, "postgres"), ["-D", data, ...words], {
    ...options,
    ready: /database system is ready to accept connections/,
  });
  return { url: `postgres://bench@127.0.0.1:${port}/postgres`, child };
}

// Whether others may pass through a folder.
function isOpen(path) {
  try {
    execFileSync("test", ["-x", path], { ...identity(), stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export const postgresVersion = () =>
  execFileSync(join(binaries(), "postgres"), ["--version"], { encoding: "utf8" })
    .trim()
    .split(" ")[2];
