// What every Node client does: reads its job, posts one request, tells the answer.
const { readFileSync } = require('node:fs');

const job = JSON.parse(readFileSync(0, 'utf8'));

function tell(facts) {
  console.log(JSON.stringify(facts));
}

/** Posts and tells the answer's status and text, with what was sent. */
async function post(path, headers, body) {
  const answer = await fetch(job.server + path, { method: 'POST', headers, body });
  tell({ status: answer.status, body: await answer.text(), sent: { headers, body } });
}

/** The text that is sent: another than was signed, where the job says so. */
function forged(text, before, after) {
  if (!job.forge) return text;
  if (!text.includes(before)) throw new Error(`${before} is not in the text`);
  return text.replace(before, after);
}

/** Ends the client with an error where something does not hold. */
function check(holds, what) {
  if (!holds) throw new Error(what);
}

module.exports = { job, tell, post, forged, check };
