/** The attacks of `headroom-attack.ts` as a program, to be run by an engine told how to compile. */
import { attackAll } from "./headroom-attack.ts";

console.log(JSON.stringify(attackAll()));
