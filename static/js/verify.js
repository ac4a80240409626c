// The fingerprint of a PDF, computed on this device: the file has no name in the form, so it is never sent.
const zone = document.querySelector("[data-drop]");
const field = document.querySelector("[name=sha256]");

const say = (state) => {
  for (const line of zone.querySelectorAll("[data-state]")) line.hidden = line.dataset.state !== state;
};

const hex = (digest) => Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");

const check = async (file) => {
  if (!file) return;
  say("busy");
  try {
    field.value = hex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  } catch {
    say("failed"); // a folder, a file that has gone, or one too large for this device
    return;
  }
  field.form.requestSubmit();
};

// Browsers compute fingerprints only on a page nobody could have changed on its way.
if (zone && window.crypto?.subtle) {
  zone.hidden = false;
  zone.querySelector("input").addEventListener("change", (event) => check(event.target.files[0]));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    check(event.dataTransfer.files[0]);
  });
}
