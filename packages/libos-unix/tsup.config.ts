import { library } from "../../tsup.base.ts";

export default library({
  index: "src/index.ts",
  "board/index": "src/board/index.ts",
  "host/index": "src/host/index.ts",
  main: "src/main.ts",
});
