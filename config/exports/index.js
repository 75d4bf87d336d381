"use strict";
(function () {
  const field = document.getElementById("search");
  const found = document.getElementById("found");
  const parts = Array.from(document.querySelectorAll("[data-part]")).map((part) => ({
    part,
    head: part.querySelector("[data-head]").textContent.toLowerCase(),
    rows: Array.from(part.querySelectorAll("[data-row]")).map((row) => ({
      row,
      text: row.textContent.toLowerCase(),
    })),
  }));
  let waiting = 0;
  function search() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { part, head, rows } of parts) {
      let any = false;
      for (const { row, text } of rows) {
        const hit = words.every((word) => text.includes(word) || head.includes(word));
        row.classList.toggle("no", !hit);
        any = any || hit;
      }
      any = any || words.every((word) => head.includes(word));
      part.classList.toggle("no", !any);
      if (part.tagName === "DETAILS" && words.length) part.open = any;
      shown += any ? 1 : 0;
    }
    found.textContent = words.length ? shown + " / " + parts.length : "";
  }
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 150);
  });
})();
