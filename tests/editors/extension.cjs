// What the extension does in VS Code, which is played here: {entry, settings, folder, failure, changes} comes in on
// standard input. Out goes what was started and stopped, and what people are shown.

const fs = require("fs");
const Module = require("module");
const esbuild = require("esbuild");

const { entry, settings, folder, failure, changes } = JSON.parse(fs.readFileSync(0, "utf8"));
const happened = [];
const listeners = [];

const vscode = {
  commands: {
    registerCommand(name, run) {
      happened.push({ command: name });
      return run;
    },
  },
  window: { showErrorMessage: (message) => happened.push({ shown: message }) },
  workspace: {
    workspaceFolders: folder === null ? undefined : [{ uri: { fsPath: folder } }],
    getConfiguration: (section) => ({ get: (key, otherwise) => settings[`${section}.${key}`] ?? otherwise }),
    onDidChangeConfiguration: (listener) => listeners.push(listener),
  },
};

class LanguageClient {
  constructor(id, name, server, client) {
    Object.assign(this, { server, client, running: false });
  }
  async start() {
    happened.push({ started: this.server, with: this.client });
    if (failure) throw new Error(failure);
    this.running = true;
  }
  needsStop() {
    return this.running;
  }
  async stop() {
    this.running = false;
    happened.push({ stopped: this.server.command });
  }
}

const played = { vscode, "vscode-languageclient/node": { LanguageClient } };
const load = Module._load;
Module._load = (name, ...rest) => played[name] ?? load(name, ...rest);

async function main() {
  const options = { entryPoints: [entry], bundle: true, platform: "node", format: "cjs", write: false };
  const built = await esbuild.build({ ...options, external: Object.keys(played) });
  const extension = new Module(entry);
  extension._compile(built.outputFiles[0].text, entry);
  await extension.exports.activate({ subscriptions: [] });
  for (const change of changes) {
    Object.assign(settings, change);
    for (const listener of listeners) listener({ affectsConfiguration: (name) => name in change });
    await new Promise((done) => setTimeout(done, 10));
  }
  await extension.exports.deactivate();
  process.stdout.write(JSON.stringify(happened));
}

main();
