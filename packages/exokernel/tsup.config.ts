import { library } from "../../tsup.base.ts";

export default library({
  index: "src/index.ts",
  "abi/index": "src/abi/index.ts",
  "contract/index": "src/contract/index.ts",
  "testing/index": "src/testing/index.ts",
});
