// What VS Code's own JSON engine says of documents: problems, and at each cursor the hover and the completions.
//
// In comes, on standard input, a list of {schema, text, cursors}, cursors being offsets; out goes a list of
// {problems, cursors: [{hovers, completions}]}.

const { ClientCapabilities, getLanguageService, TextDocument } = require("vscode-json-languageservice");

async function answer({ schema, text, cursors }) {
  const service = getLanguageService({ clientCapabilities: ClientCapabilities.LATEST });
  const document = TextDocument.create("file:///config.json", "json", 1, text);
  const tree = service.parseJSONDocument(document);
  service.configure({
    validate: true,
    allowComments: false,
    schemas: [{ uri: "file:///quant_config.schema.json", fileMatch: ["config.json"], schema }],
  });
  const at = async (offset) => {
    const position = document.positionAt(offset);
    const hover = await service.doHover(document, position, tree);
    const completions = await service.doComplete(document, position, tree);
    return { hovers: hover?.contents ?? [], completions: completions.items.map(proposal) };
  };
  const problems = await service.doValidation(document, tree);
  return { problems, cursors: await Promise.all(cursors.map(at)) };
}

function proposal({ label, detail, labelDetails, documentation, textEdit }) {
  return {
    label,
    detail: detail ?? labelDetails?.description,
    documentation: documentation?.value ?? documentation,
    inserts: textEdit.newText,
  };
}

async function main() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const requests = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  process.stdout.write(JSON.stringify(await Promise.all(requests.map(answer))));
}

main();
