// Asks the server for this page once more, without its body, and shows what it says.
const shown = ["server", "date", "last-modified", "etag", "content-type", "content-length", "accept-ranges"];

const row = (name, value) => {
  const term = document.createElement("dt");
  const text = document.createElement("dd");
  term.textContent = name;
  text.textContent = value;
  return [term, text];
};

const answer = document.querySelector("#answer");
try {
  const began = performance.now();
  const response = await fetch(location.pathname, { method: "HEAD", cache: "no-store" });
  await response.arrayBuffer();
  const took = performance.now() - began;
  const fields = shown.filter((name) => response.headers.has(name));
  answer.replaceChildren(
    ...row("status", `${response.status} in ${took.toFixed(1)} ms`),
    ...fields.flatMap((name) => row(name, response.headers.get(name))),
  );
} catch {
  answer.replaceChildren(...row("status", "no answer"));
}
