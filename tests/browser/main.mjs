// Started by `run`: main.mjs BINARY FILE ...
import { main } from "./harness.mjs";

process.exitCode = await main(process.argv[2], process.argv.slice(3)) ? 0 : 1;
