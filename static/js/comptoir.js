// Seasoning only: every page works without it.
// Menus are native <details>; this closes the open one on Escape or on a click elsewhere.
const openMenus = () => document.querySelectorAll("details[name=menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// What only a script can do is hidden until there is one.
for (const scripted of document.querySelectorAll("[data-scripted]")) scripted.hidden = false;

// A passkey that fails otherwise says nothing: the person would wait in front of a button.
document.addEventListener("allauth.error", (event) => {
  const words = document.querySelector("[data-passkey-trouble]");
  if (!words) return;
  event.preventDefault();
  words.hidden = false;
});
