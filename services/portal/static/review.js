// Review by keyboard: rulings are sent without leaving the page and the next case stands ready. All of it also works
// without this script, as plain forms and links. Plain ES2019, for Chromium 86 and later.
(function () {
  "use strict";
  const place = document.getElementById("case");
  const notice = document.getElementById("case-notice");
  if (!place || !window.fetch) return;
  const PURPOSE = "rollcall.review.purpose";
  let ready = null; // {address, html} of the next case
  let sending = false;

  function part(address, name) {
    const made = new URL(address, window.location.href);
    made.searchParams.set("part", name);
    ["ruled", "at", "done"].forEach(function (one) { made.searchParams.delete(one); });
    return made;
  }

  // ---- the purpose of reading in full is typed once and kept while this tab is open ---------------------------------
  function keptPurpose(text) {
    try {
      if (text !== undefined) window.sessionStorage.setItem(PURPOSE, text);
      return window.sessionStorage.getItem(PURPOSE) || "";
    } catch (error) {
      return "";
    }
  }

  function fill() {
    const field = place.querySelector("[data-purpose]");
    if (field && !field.value) field.value = keptPurpose();
  }
  document.addEventListener("input", function (event) {
    if (event.target.matches && event.target.matches("[data-purpose]")) keptPurpose(event.target.value);
  });

  // ---- the next case ------------------------------------------------------------------------------------------------
  function preload() {
    const link = place.querySelector("a[data-next]");
    ready = null;
    if (!link) return;
    const address = link.getAttribute("href");
    fetch(part(address, "case"), { credentials: "same-origin", headers: { accept: "text/html" } })
      .then(function (answer) { return answer.ok ? answer.text() : null; })
      .then(function (html) {
        const now = place.querySelector("a[data-next]");
        if (html !== null && now && now.getAttribute("href") === address) {
          ready = { address: address, html: html };
          place.dataset.ready = "yes";
        }
      })
      .catch(function () { ready = null; }); // the link still works
  }

  function show(html, address) {
    delete place.dataset.ready;
    place.innerHTML = html;
    if (address) window.history.pushState({ review: true }, "", address);
    window.scrollTo(0, 0);
    const head = place.querySelector("h1");
    if (head) head.focus({ preventScroll: true });
    fill();
    preload();
  }

  function next() {
    const link = place.querySelector("a[data-next]");
    if (!link) { window.location.assign("/reviews"); return; }
    const address = link.getAttribute("href");
    if (ready && ready.address === address) show(ready.html, address);
    else window.location.assign(address);
  }
  window.addEventListener("popstate", function () { window.location.reload(); });

  // ---- sending ------------------------------------------------------------------------------------------------------
  async function send(form, pressed) {
    const data = new URLSearchParams(new FormData(form));
    if (pressed && pressed.name) data.append(pressed.name, pressed.value);
    const answer = await fetch(part(form.getAttribute("action"), "answer"), {
      method: "POST", credentials: "same-origin", body: data, headers: { accept: "text/html" },
    });
    if (answer.status === 401) { window.location.reload(); return; }
    const html = await answer.text();
    const fresh = new DOMParser().parseFromString(html, "text/html");
    if (answer.ok && form.matches("[data-rule]")) {
      notice.innerHTML = html;
      next();
    } else if (fresh.querySelector("h1") && !fresh.querySelector(".error-page")) {
      const address = answer.redirected ? answer.url : null;
      if (form.matches("[data-undo]") && answer.ok) notice.textContent = "";
      show(html, address ? clean(address) : null);
    } else {
      window.location.reload();
    }
  }

  function clean(address) {
    const made = new URL(address);
    ["part", "done", "ruled", "at"].forEach(function (one) { made.searchParams.delete(one); });
    return made.pathname + made.search;
  }

  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!form.matches("[data-rule], [data-reveal]")) return;
    event.preventDefault();
    event.stopPropagation();
    if (sending) return;
    sending = true;
    place.setAttribute("aria-busy", "true");
    send(form, event.submitter).catch(function () { HTMLFormElement.prototype.submit.call(form); }).then(function () {
      sending = false;
      place.removeAttribute("aria-busy");
    });
  }, true);

  // ---- keyboard -----------------------------------------------------------------------------------------------------
  document.addEventListener("keydown", function (event) {
    const typing = event.target.closest && event.target.closest("input, select, textarea, [contenteditable]");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code || "");
    const key = digit ? (event.shiftKey ? "shift+" : "") + digit[1] : event.key.toLowerCase();
    const target = document.querySelector('[data-review-key="' + CSS.escape(key) + '"]');
    if (!target && key !== "n") return;
    event.preventDefault();
    if (key === "n") { next(); return; }
    if (key === "r") {
      const field = place.querySelector("[data-purpose]");
      if (field && !field.value) { field.focus(); return; }
    }
    target.click();
  });

  fill();
  preload();
})();
