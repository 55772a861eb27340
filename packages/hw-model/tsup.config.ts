import { library } from "../../tsup.base.ts";

export default library({
  index: "src/index.ts",
  "host/index": "src/host/index.ts",
  "host/engine": "src/host/engine.ts",
  "contract/index": "src/contract/index.ts",
  "testing/index": "src/testing/index.ts",
});
