// The audit pages' own script: the slider goes to its moment when it is let go, and trees are read when they are opened.
// Without it the slider has a button, and each branch a page of its own.
(function () {
  "use strict";
  const SETTLE_MS = 500;

  const slider = document.querySelector(".slider");
  if (slider) {
    const range = slider.querySelector("input[type=range]");
    const form = range.form;
    const marks = JSON.parse(slider.dataset.marks);
    const counts = JSON.parse(slider.dataset.counts);
    const says = slider.querySelector("output");
    const began = range.value;
    let settling = null;
    slider.querySelector("[data-by-mark]").hidden = true;

    function say() {
      const place = Number(range.value) - 1;
      const moment = marks[place].replace("T", " ");
      says.textContent = slider.dataset.says.replace("{moment}", moment).replace("{count}", counts[place]);
      range.setAttribute("aria-valuetext", says.textContent);
      form.elements.known_at.value = marks[place];
      form.elements.true_on.value = "";
    }

    function go() {
      clearTimeout(settling);
      if (range.value === began) return;
      range.disabled = true; // the moment itself stands in the address
      if (!form.elements.marks_since) form.elements.marks_until.disabled = true;
      form.submit();
    }

    range.setAttribute("aria-valuetext", says.textContent);
    range.addEventListener("input", say);
    // By mouse it is let go once; by keys each step is a change: wait until the person has stopped.
    range.addEventListener("change", function () { clearTimeout(settling); settling = setTimeout(go, SETTLE_MS); });
    range.addEventListener("keydown", function (event) { if (event.key === "Enter") { event.preventDefault(); go(); } });
    form.addEventListener("submit", function (event) { if (event.submitter && event.submitter.value !== "mark") range.disabled = true; });
    window.addEventListener("pageshow", function () {
      range.disabled = false;
      form.elements.marks_until.disabled = false;
    });
  }

  // ---- on paper nothing is folded away ----------------------------------------------------------------------------
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details.file-part").forEach(function (part) { part.open = true; });
  });

  // ---- trees ------------------------------------------------------------------------------------------------------
  document.addEventListener("toggle", async function (event) {
    const branch = event.target;
    if (!branch.open || !branch.dataset || !branch.dataset.part) return;
    const place = branch.querySelector("[data-place]");
    const address = branch.dataset.part;
    delete branch.dataset.part;
    branch.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { credentials: "same-origin", headers: { accept: "text/html" } });
      if (answer.status === 401) { window.location.reload(); return; }
      if (answer.ok) place.innerHTML = new DOMParser().parseFromString(await answer.text(), "text/html").body.innerHTML;
      else branch.dataset.part = address; // the link inside still leads there
    } catch (error) {
      branch.dataset.part = address;
    } finally {
      branch.removeAttribute("aria-busy");
    }
  }, true);
})();
