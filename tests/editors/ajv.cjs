// Which configurations ajv, in its strict mode, takes by a schema: {schema, vocabulary, configs} comes in on standard
// input, and out goes a list of booleans.

const Ajv = require("ajv");
const { schema, vocabulary, configs } = JSON.parse(require("fs").readFileSync(0, "utf8"));

const ajv = new Ajv({ strict: true });
ajv.addVocabulary(vocabulary);
const validate = ajv.compile(schema);
process.stdout.write(JSON.stringify(configs.map((config) => validate(config))));
