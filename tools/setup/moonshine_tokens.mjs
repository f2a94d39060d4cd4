// Writes the vocabulary of the Moonshine models in the form sherpa-onnx reads: one line a token, the base64 of its bytes
// and its number. The vocabulary is that of the Llama tokenizer.
//
//   node moonshine_tokens.mjs path/to/llama-tokenizer.js > tokens.txt
import { pathToFileURL } from "node:url";

const { LlamaTokenizer } = await import(pathToFileURL(process.argv[2]));
const vocabulary = new LlamaTokenizer().vocabById;

// "▁" stands for a space, "<0x0A>" for the byte 10.
function bytes(token) {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(token);
  return byte ? Buffer.from(byte[1], "hex") : Buffer.from(token.replaceAll("▁", " "), "utf8");
}

process.stdout.write(vocabulary.map((token, id) => `${bytes(token).toString("base64")} ${id}\n`).join(""));
