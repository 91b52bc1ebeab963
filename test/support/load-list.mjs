// Prints the URL of each module that is loaded, for `node --import`.
import { register } from "node:module";

const hooks = `export async function load(url, context, next) {
  process._rawDebug("loads " + url);
  return next(url, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
