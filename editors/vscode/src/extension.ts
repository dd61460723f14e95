// The extension: it starts "quantcfg lsp" and passes it the settings. The server does everything else.

import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions } from "vscode-languageclient/node";

import { advice, command } from "./command";

const SECTION = "quantcfg";
const LANGUAGES = ["quantcfg", "prototxt"];

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    vscode.commands.registerCommand("quantcfg.restart", restart),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(`${SECTION}.path`)) void restart();
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  const running = client;
  client = undefined;
  if (running?.needsStop()) await running.stop();
}

async function restart(): Promise<void> {
  await deactivate();
  await start();
}

async function start(): Promise<void> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const program = command(settings.get<string>("path", ""), folder);
  client = new LanguageClient(SECTION, "quantcfg", { command: program, args: ["lsp"], options: { cwd: folder } }, options());
  try {
    await client.start();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(advice(program, reason));
  }
}

function options(): LanguageClientOptions {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return {
    documentSelector: LANGUAGES.map((language) => ({ scheme: "file", language })),
    initializationOptions: { model: settings.get("model"), weights: settings.get("weights") },
    synchronize: { configurationSection: SECTION },
  };
}
