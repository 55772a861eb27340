/** The servers: what each needs, and how it is started. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Technique } from "./techniques.ts";
import type { Link, Owner } from "./namespaces.ts";
import { requirePrograms } from "./requirements.ts";

/** Where a server finds what it serves, and where it may write. */
export interface ServerSite {
  /** The documents, and nothing else. */
  readonly directory: string;
  /** A directory of the server's own. */
  readonly scratch: string;
  readonly link: Link;
}

/** A server that can be put beside the others. */
export interface ServerKind {
  readonly name: string;
  readonly owner: Owner;
  /** The command that serves, in the foreground. Throws a `Missing` when it cannot. */
  command(site: ServerSite): readonly string[];
}

const require = createRequire(import.meta.url);

/** A module beside this one, as it is run here: the source, or what was built from it. */
export const beside = (name: string): readonly string[] => [
  process.execPath,
  fileURLToPath(new URL(`./${name}${extname(import.meta.url)}`, import.meta.url)),
];

/** Cheetah's own command line, as a user starts it. */
function cheetahCommand(): readonly string[] {
  const root = dirname(require.resolve("@exolith/cheetah/package.json"));
  const isSource = extname(import.meta.url) === ".ts";
  return isSource
    ? [process.execPath, "--conditions=@exolith/source", join(root, "src/main.ts")]
    : [process.execPath, join(root, "dist/main.js")];
}

/** Cheetah with the server's end of the cable for its own. */
const cheetah: ServerKind = {
  name: "cheetah",
  owner: "ring",
  command: ({ directory, link }) => [
    ...cheetahCommand(),
    directory,
    "--net",
    `packet:${link.interface}`,
    "--address",
    `${link.serverAddress}/${link.prefixLength}`,
    "--quiet",
  ],
};

/** Cheetah without one of its techniques. */
export const cheetahWithout = (technique: Technique): ServerKind => ({
  name: `cheetah without ${technique.name}`,
  owner: "ring",
  command: (site) => [...cheetah.command(site), ...technique.off],
});

/** Cheetah as one without privileges runs it. */
const cheetahGateway: ServerKind = {
  name: "cheetah-gateway",
  owner: "host",
  command: ({ directory, link }) => [
    ...cheetahCommand(),
    directory,
    "--host",
    link.serverAddress,
    "--port",
    "80",
    "--quiet",
  ],
};

const nginx: ServerKind = {
  name: "nginx",
  owner: "host",
  command: ({ directory, scratch, link }) => {
    requirePrograms(["nginx"]);
    const path = join(scratch, "nginx.conf");
    writeFileSync(path, nginxConfiguration(directory, scratch, link.serverAddress));
    return ["nginx", "-p", scratch, "-c", path, "-e", "stderr"];
  },
};

/** One worker, as somebody tunes it who wants static files served quickly. */
const nginxConfiguration = (directory: string, scratch: string, address: string): string => `
user root;
daemon off;
worker_processes 1;
pid ${scratch}/nginx.pid;
error_log stderr crit;
events {
  worker_connections 8192;
  multi_accept on;
}
http {
  access_log off;
  default_type application/octet-stream;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 3600;
  keepalive_requests 1000000000;
  reset_timedout_connection on;
  open_file_cache max=1000 inactive=1h;
  open_file_cache_valid 1h;
  open_file_cache_min_uses 1;
  client_body_temp_path ${scratch}/body;
  proxy_temp_path ${scratch}/proxy;
  fastcgi_temp_path ${scratch}/fastcgi;
  uwsgi_temp_path ${scratch}/uwsgi;
  scgi_temp_path ${scratch}/scgi;
  server {
    listen ${address}:80 backlog=4096;
    root ${directory};
  }
}
`;

const nodeHttp: ServerKind = {
  name: "node-http",
  owner: "host",
  command: ({ directory, link }) => [...beside("memory-server"), directory, link.serverAddress, "80"],
};

/** The floor: compiled here, in a directory that is removed. */
const ringC: ServerKind = {
  name: "ring-c",
  owner: "ring",
  command: ({ directory, scratch, link }) => {
    requirePrograms(["cc"]);
    const root = dirname(require.resolve("@exolith/bench/package.json"));
    const program = join(scratch, "ring-responder");
    const source = join(root, "native/ring-responder.c");
    execFileSync("cc", ["-O2", "-o", program, source], { stdio: ["ignore", "ignore", "pipe"] });
    return [program, link.interface, link.serverAddress, directory];
  },
};

/** All servers, ours first. */
export const SERVERS: readonly ServerKind[] = [cheetah, nginx, nodeHttp, ringC, cheetahGateway];

/** Those of a run that names none. */
export const USUAL_SERVERS: readonly string[] = [cheetah, nginx, nodeHttp, ringC].map(({ name }) => name);
