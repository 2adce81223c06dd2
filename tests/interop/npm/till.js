// A till that is @adyen/api-library, unmodified: it sends the requests that it reads as lines of
// JSON from standard input, several at a time, and writes a line for each answer.
//
//   node till.js CERTIFICATE
//   {"id": 1, "request": {"SaleToPOIRequest": …}, "key": {"Passphrase": …, …}}
//   {"id": 1, "answer": {"SaleToPOIResponse": …}}  or  {"id": 1, "error": "…", "body": "…"}
const readline = require("node:readline");
const { Client, Config, TerminalLocalAPI } = require("@adyen/api-library");

const config = new Config({
  apiKey: "unused",
  environment: "TEST",
  terminalApiLocalEndpoint: "https://localhost",
  certificatePath: process.argv[2],
  // A shopper takes their time, and a busy machine takes it as well.
  connectionTimeoutMillis: 300_000,
});
const api = new TerminalLocalAPI(new Client(config));

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const { id, request, key } = JSON.parse(line);
  let told;
  try {
    told = { answer: await api.request(request, key) };
  } catch (error) {
    told = { error: error.message, body: error.responseBody };
  }
  console.log(JSON.stringify({ id, ...told }));
});
