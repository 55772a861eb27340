import { library } from "../../tsup.base.ts";

export default library({
  index: "src/index.ts",
  "board/index": "src/board/index.ts",
  "webswamp/index": "src/webswamp/index.ts",
  "board/serving-worker": "src/board/serving-worker.ts",
  main: "src/main.ts",
  webswamp: "src/board/webswamp-main.ts",
});
