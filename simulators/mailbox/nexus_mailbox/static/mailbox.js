"use strict";

for (const time of document.querySelectorAll("time")) {
  time.textContent = new Date(time.dateTime).toLocaleString();
}

const tabs = [...document.querySelectorAll("[data-shows]")];
const show = (chosen) => {
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    document.getElementById(tab.dataset.shows).hidden = tab !== chosen;
  }
};
for (const tab of tabs) tab.addEventListener("click", () => show(tab));
if (tabs.length) show(tabs[0]);

document.getElementById("clear")?.addEventListener("click", async () => {
  await fetch("/api/messages", { method: "DELETE" });
  location.reload();
});

const list = document.querySelector("[data-newest]");
const filter = document.getElementById("to");
if (list) {
  setInterval(async () => {
    if (document.hidden || document.activeElement === filter) return;
    const query = new URLSearchParams(location.search);
    const messages = await (await fetch("/api/messages?" + query)).json();
    if ((messages[0]?.id ?? "") !== list.dataset.newest) location.reload();
  }, 2000);
}
