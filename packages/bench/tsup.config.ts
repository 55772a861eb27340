import { library } from "../../tsup.base.ts";

export default library({
  index: "src/index.ts",
  main: "src/cli.ts",
  "cheetah-server": "src/http/cheetah-server.ts",
  "node-http-server": "src/http/node-http-server.ts",
  "memory-server": "src/cheetah/memory-server.ts",
  probe: "src/cheetah/probe.ts",
  "pair-worker": "src/kernel/peers/pair-worker.ts",
});
