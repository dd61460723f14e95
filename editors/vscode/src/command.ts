// Which program is started: it needs nothing of VS Code, so that it can be tested without it.

import * as path from "node:path";

/** Return the command to start: a bare name is looked for on the PATH, a relative path starts at the folder. */
export function command(setting: string, folder: string | undefined): string {
  const name = setting.trim() || "quantcfg";
  const isPath = /[\\/]/.test(name);
  return isPath && folder !== undefined ? path.resolve(folder, name) : name;
}

/** Return what to tell people when the server does not start. */
export function advice(started: string, reason: string): string {
  return (
    `the language server "${started} lsp" does not start (${reason}): ` +
    `pip install "quantcfg[lsp]", or say in the setting quantcfg.path where it is`
  );
}
