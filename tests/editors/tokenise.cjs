// How VS Code colours texts: its own TextMate engine with our grammars. {grammars, scope, texts} comes in on standard
// input, grammars being files; out goes, for each text, a list of [line, column, piece, scopes].

const fs = require("fs");
const path = require("path");
const oniguruma = require("vscode-oniguruma");
const { INITIAL, parseRawGrammar, Registry } = require("vscode-textmate");

function tokens(grammar, text) {
  let stack = INITIAL;
  return text.split("\n").flatMap((line, index) => {
    const result = grammar.tokenizeLine(line, stack);
    stack = result.ruleStack;
    return result.tokens.map(({ startIndex, endIndex, scopes }) => [
      index + 1,
      startIndex + 1,
      line.slice(startIndex, endIndex),
      scopes.slice(1),
    ]);
  });
}

async function main() {
  const { grammars, scope, texts } = JSON.parse(fs.readFileSync(0, "utf8"));
  const wasm = path.join(path.dirname(require.resolve("vscode-oniguruma/package.json")), "release", "onig.wasm");
  await oniguruma.loadWASM(fs.readFileSync(wasm).buffer);
  const read = (file) => parseRawGrammar(fs.readFileSync(file, "utf8"), file);
  const byScope = new Map(grammars.map(read).map((grammar) => [grammar.scopeName, grammar]));
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (name) => byScope.get(name) ?? null,
  });
  const grammar = await registry.loadGrammar(scope);
  process.stdout.write(JSON.stringify(texts.map((text) => tokens(grammar, text))));
}

main();
