/** nginx as a reverse proxy in front of a server. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "./command.ts";
import { within } from "./ring-ground.ts";
import { until } from "./waiting.ts";

/** Where it listens in its namespace. */
const ADDRESS = "127.0.0.1:8080";
/** What it says when nobody answers behind it. */
export const SORRY = "nobody is there";

/**
 * Below `/` nothing is kept; below `/kept/` for long, also while nobody answers;
 * below `/checked/` for a second, after which what is kept is asked about.
 */
const configuration = (scratch: string, server: string): string => `
user root;
daemon off;
master_process off;
pid ${scratch}/nginx.pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off;
  default_type application/octet-stream;
  client_body_temp_path ${scratch}/body;
  proxy_temp_path ${scratch}/proxy;
  fastcgi_temp_path ${scratch}/fastcgi;
  uwsgi_temp_path ${scratch}/uwsgi;
  scgi_temp_path ${scratch}/scgi;
  proxy_cache_path ${scratch}/cache keys_zone=pages:1m;
  upstream cheetah { server ${server} max_fails=0; keepalive 8; }
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_connect_timeout 1s;
  proxy_read_timeout 3s;
  server {
    listen ${ADDRESS};
    error_page 502 504 /sorry;
    location = /sorry { internal; return 502 "${SORRY}"; }
    location / { proxy_pass http://cheetah; }
    location /kept/ {
      proxy_pass http://cheetah/;
      proxy_cache pages;
      proxy_cache_valid 200 10m;
      add_header X-Cache $upstream_cache_status;
    }
    location /checked/ {
      proxy_pass http://cheetah/;
      proxy_cache pages;
      proxy_cache_valid 200 1s;
      proxy_cache_revalidate on;
      add_header X-Cache $upstream_cache_status;
    }
  }
}
`;

/** A proxy that runs. */
export interface Proxy {
  readonly origin: string;
  end(): Promise<void>;
}

/** Starts one in `namespace`, whose loopback interface must be up; `server` is the address behind it. */
export async function startProxy(namespace: string, server: string, scratch: string): Promise<Proxy> {
  mkdirSync(scratch, { recursive: true });
  const path = join(scratch, "nginx.conf");
  writeFileSync(path, configuration(scratch, server));
  const [program = "", ...rest] = within(namespace, "nginx", "-p", scratch, "-c", path, "-e", "stderr");
  const child = spawn(program, rest, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  const origin = `http://${ADDRESS}`;
  const listens = async (): Promise<boolean> => {
    const words = within(namespace, "curl", "-s", "-o", "/dev/null", `${origin}/sorry`);
    return (await runProgram(words[0] ?? "", words.slice(1))).code === 0;
  };
  if (!(await until(listens))) {
    await end();
    throw new Error(`nginx does not listen: ${said}`);
  }
  return { origin, end };
}
