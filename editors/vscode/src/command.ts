// The program to start. This file does not import vscode, so that tests run without it.

import * as path from "node:path";

/** Return the command to start: a bare name is looked up on the PATH, a relative path is resolved against the folder. */
export function command(setting: string, folder: string | undefined): string {
  const name = setting.trim() || "quantcfg";
  const isPath = /[\\/]/.test(name);
  return isPath && folder !== undefined ? path.resolve(folder, name) : name;
}

/** Return the message for a server that does not start. */
export function advice(started: string, reason: string): string {
  return (
    `cannot start the language server "${started} lsp" (${reason}): ` +
    `run pip install "quantcfg[lsp]", or set quantcfg.path`
  );
}
