// The page's own script: live lists, keyboard, uploads with progress. Everything also works without it, by reload.
// Plain ES2019, no build step, for Chromium 86 and later.
(function () {
  "use strict";
  const texts = JSON.parse(document.body.dataset.texts || "{}");

  // ---- live lists -------------------------------------------------------------------------------------------------
  // A change says only that something moved; the part is read again from the server, so order, filters and rights are
  // the server's, and the rows that differ flash.
  const part = document.getElementById("live-part");
  const GATHER_MS = 120;
  const PAUSE_MS = 400;
  const MANY_MS = 3000;
  let source = null;
  let timer = null;
  let reading = false;
  let again = false;
  let lastRead = 0;

  function say(state) {
    const place = document.querySelector("[data-live-state]");
    if (!place) return;
    const word = { on: texts.live, off: texts.live_off, wait: texts.live_wait }[state];
    if (place.textContent !== word) place.textContent = word;
    place.classList.toggle("on", state === "on");
    place.classList.toggle("off", state === "off");
  }

  function schedule(delay) {
    if (timer !== null) return;
    const wait = Math.max(delay, PAUSE_MS - (Date.now() - lastRead));
    timer = setTimeout(function () { timer = null; refresh(); }, wait);
  }

  function busy() {
    // A person is filling in a form of a row: keep it until they are done.
    const active = document.activeElement;
    return part.contains(active) && active.closest("details[open] form") !== null;
  }

  async function refresh() {
    if (reading) { again = true; return; }
    if (busy()) { schedule(2000); return; }
    reading = true;
    lastRead = Date.now();
    try {
      const address = new URL(window.location.href);
      address.searchParams.set("part", part.dataset.part);
      address.searchParams.delete("done");
      const answer = await fetch(address, { credentials: "same-origin", headers: { accept: "text/html" } });
      if (answer.status === 401) { window.location.reload(); return; }
      if (answer.ok) merge(await answer.text());
    } catch (error) {
      say("off");
    } finally {
      reading = false;
      if (again) { again = false; schedule(GATHER_MS); }
    }
  }

  function byId(root) {
    const found = new Map();
    root.querySelectorAll("[data-id]").forEach(function (element) { found.set(element.dataset.id, element); });
    return found;
  }

  function signature(element) {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("input[type=hidden], .actions").forEach(function (one) { one.remove(); });
    return copy.textContent.replace(/\s+/g, " ").trim();
  }

  function merge(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const before = byId(part);
    const after = byId(fresh);
    after.forEach(function (element, id) {
      const old = before.get(id);
      if (!old || signature(old) !== signature(element)) element.classList.add("changed");
    });
    const leaving = Array.from(before).filter(function (pair) { return !after.has(pair[0]) && pair[1].tagName === "TR"; });
    leaving.forEach(function (pair) { pair[1].classList.add("gone"); });
    const focused = part.contains(document.activeElement) ? document.activeElement.closest("[data-id]") : null;
    const focusedId = focused ? focused.dataset.id : null;
    const open = Array.from(part.querySelectorAll("details[open]")).map(function (one) {
      const row = one.closest("[data-id]");
      return row ? row.dataset.id : null;
    });
    setTimeout(function () {
      part.replaceChildren ? part.replaceChildren.apply(part, Array.from(fresh.childNodes)) : (part.innerHTML = fresh.innerHTML);
      open.forEach(function (id) {
        const row = id && byId(part).get(id);
        const details = row && row.querySelector("details");
        if (details) details.open = true;
      });
      const row = focusedId && byId(part).get(focusedId);
      if (row && row.focus) row.focus();
    }, leaving.length ? 400 : 0);
  }

  function listen() {
    if (!part || !part.dataset.stream || source || !window.EventSource) return;
    say("wait");
    source = new EventSource(part.dataset.stream);
    source.onopen = function () { say("on"); };
    source.onerror = function () {
      say("off");
      if (source && source.readyState === 2) {
        // Refused for good (signed out, too many): try again later by reading anew.
        source = null;
        setTimeout(function () { refresh(); listen(); }, 10000 + Math.random() * 5000);
      }
    };
    source.addEventListener("row", function () { schedule(GATHER_MS); if (unread) countUnread(); });
    source.addEventListener("removed", function (event) {
      const id = JSON.parse(event.data).id;
      if (part.dataset.part !== "rows" || byId(part).has(id)) schedule(0);
    });
    source.addEventListener("reload", function () { schedule(Math.random() * MANY_MS); });
  }

  function pause() { if (source) { source.close(); source = null; } }

  if (part && part.dataset.stream) {
    listen();
    // A hidden tab gives its connection back (a browser has six per site) and catches up when it is looked at again.
    let hiding = null;
    document.addEventListener("visibilitychange", function () {
      if (document.hidden) { hiding = setTimeout(pause, 60000); return; }
      clearTimeout(hiding);
      if (!source) { refresh(); listen(); }
    });
    window.addEventListener("pagehide", pause);
    window.addEventListener("pageshow", function (event) { if (event.persisted) { refresh(); listen(); } });
  }

  // ---- how many messages are new ------------------------------------------------------------------------------------
  const unread = document.querySelector("[data-unread]");
  const UNREAD_MS = 60000;

  async function countUnread() {
    try {
      const answer = await fetch("/messages/unread", { credentials: "same-origin" });
      if (!answer.ok) return;
      const told = await answer.json();
      unread.hidden = told.count === 0;
      unread.textContent = told.count + (told.more ? "+" : "");
    } catch (error) {
      // The connection is away for a moment: the figure stays, ask again.
    }
  }

  if (unread) {
    countUnread();
    setInterval(function () { if (!document.hidden) countUnread(); }, UNREAD_MS);
    document.addEventListener("visibilitychange", function () { if (!document.hidden) countUnread(); });
  }

  // ---- whether the records are still as they were signed --------------------------------------------------------------
  const standing = document.querySelector("[data-standing]");
  const STANDING_MS = 60000;

  async function askStanding() {
    try {
      const answer = await fetch("/audit/alarms/banner", { credentials: "same-origin", headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      // The same words stay, so that nothing is read out twice.
      if (signature(fresh) !== signature(standing)) standing.innerHTML = fresh.innerHTML;
    } catch (error) {
      // The connection is away for a moment: what was said stays, ask again.
    }
  }

  if (standing) setInterval(function () { if (!document.hidden) askStanding(); }, STANDING_MS);

  // ---- copying ----------------------------------------------------------------------------------------------------
  document.querySelectorAll("[data-copy]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", async function () {
      const from = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(from.textContent);
      } catch (error) {
        // Not over plain http: select it, and copy as a person would.
        const range = document.createRange();
        range.selectNodeContents(from);
        window.getSelection().removeAllRanges();
        window.getSelection().addRange(range);
        if (!document.execCommand("copy")) return;
      }
      button.parentNode.querySelector("[role=status]").textContent = button.dataset.copied;
    });
  });

  // ---- emergency access: the minutes left -------------------------------------------------------------------------
  document.querySelectorAll("[data-left]").forEach(function (shown) {
    const until = Number(shown.dataset.left) * 1000;
    const said = shown.textContent;
    function tick() {
      const left = Math.max(0, Math.ceil((until - Date.now()) / 60000));
      const text = said.replace(/\d+/, String(left));
      if (shown.textContent !== text) shown.textContent = text;
    }
    tick();
    window.setInterval(tick, 10000);
  });

  // ---- printing ---------------------------------------------------------------------------------------------------
  document.querySelectorAll("[data-print]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  });
  if (document.querySelector("[data-print-now]")) window.addEventListener("load", function () { window.print(); });

  // ---- keyboard ---------------------------------------------------------------------------------------------------
  document.addEventListener("keydown", function (event) {
    // From the box straight down into what was found, and up again.
    const arrow = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (arrow && arrows(event.target, arrow)) { event.preventDefault(); return; }
    const typing = event.target.closest && event.target.closest("input, select, textarea, [contenteditable]");
    if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
    const rows = Array.from(document.querySelectorAll("table.rows tbody tr"));
    const current = document.activeElement.closest ? document.activeElement.closest("table.rows tbody tr") : null;
    const index = rows.indexOf(current);
    if (event.key === "j" || event.key === "k") {
      const next = rows[Math.min(rows.length - 1, Math.max(0, index + (event.key === "j" ? 1 : -1)))];
      if (next) { next.tabIndex = -1; next.focus(); event.preventDefault(); }
    } else if (event.key === "Enter" && current === document.activeElement) {
      const link = current && current.querySelector("a[href]");
      if (link) link.click();
    } else if (event.key === "/") {
      const field = document.querySelector(".filters input, .filters select");
      if (field) { field.focus(); event.preventDefault(); }
    } else if (current) {
      const button = current.querySelector('button[data-key="' + CSS.escape(event.key) + '"]');
      if (button) { button.click(); event.preventDefault(); }
    }
  });

  function arrows(from, step) {
    const box = document.querySelector("[data-box]");
    if (!box) return false;
    const rows = Array.from(document.querySelectorAll("table.rows tbody tr"));
    const index = from === box ? -1 : rows.indexOf(from.closest ? from.closest("table.rows tbody tr") : null);
    if (!rows.length || (from !== box && index < 0) || (from === box && step < 0)) return false;
    const next = index + step < 0 ? box : rows[Math.min(rows.length - 1, index + step)];
    next.focus();
    return true;
  }

  // ---- forms ------------------------------------------------------------------------------------------------------
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!form.matches("form[data-once]")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  // ---- people are offered as one types ----------------------------------------------------------------------------
  const offered = document.getElementById("people-choices");
  let asking = 0;
  document.querySelectorAll("input[data-people]").forEach(function (box) {
    box.addEventListener("input", function () {
      clearTimeout(asking);
      asking = setTimeout(async function () {
        const typed = box.value.trim();
        if (!typed) return;
        const answer = await fetch("/people/choices?q=" + encodeURIComponent(typed), { credentials: "same-origin" });
        if (!answer.ok || box.value.trim() !== typed) return;
        offered.replaceChildren(...(await answer.json()).items.map(function (one) {
          const option = document.createElement("option");
          option.value = one.login;
          option.label = one.label;
          return option;
        }));
      }, 200);
    });
  });

  // ---- imports ----------------------------------------------------------------------------------------------------
  document.querySelectorAll("[data-drop]").forEach(function (drop) {
    const input = drop.querySelector("input[type=file]");
    ["dragenter", "dragover"].forEach(function (name) {
      drop.addEventListener(name, function (event) { event.preventDefault(); drop.classList.add("over"); });
    });
    ["dragleave", "drop"].forEach(function (name) {
      drop.addEventListener(name, function () { drop.classList.remove("over"); });
    });
    drop.addEventListener("drop", function (event) {
      event.preventDefault();
      if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
    });
  });

  const form = document.querySelector("form[data-import]");
  if (form) {
    const progress = form.querySelector("[data-progress]");
    form.addEventListener("submit", function (event) {
      if (event.submitter && event.submitter.value === "annotate") return;  // the answer is a file, the page stays
      event.preventDefault();
      const data = new FormData(form);
      const pressed = event.submitter;
      data.append("action", pressed && pressed.value === "apply" ? "apply" : "dry_run");
      const buttons = form.querySelectorAll("button");
      buttons.forEach(function (button) { button.disabled = true; });
      const request = new XMLHttpRequest();
      request.upload.addEventListener("progress", function (step) {
        if (!step.lengthComputable) return;
        const percent = Math.round(100 * step.loaded / step.total);
        progress.textContent = percent < 100 ? texts.progress.replace("{percent}", percent) : texts.checking;
      });
      request.addEventListener("loadend", function () {
        buttons.forEach(function (button) { button.disabled = false; });
        progress.textContent = "";
        if (request.status === 0) { progress.textContent = texts.live_off; return; }
        if (request.status === 401) { window.location.reload(); return; }
        const fresh = new DOMParser().parseFromString(request.responseText, "text/html");
        const place = document.getElementById("receipt");
        const leads = form.dataset.import === "follow";  // the answer is a page of its own
        const failed = fresh.querySelector(".error-page");
        if (failed) {
          const told = document.createElement("p");
          told.className = "trouble";
          told.setAttribute("role", "alert");
          told.textContent = Array.from(failed.querySelectorAll("h1, h1 + p")).map(function (one) {
            return one.textContent.trim();
          }).join(" ");
          place.replaceChildren(told);
        } else if (leads) {
          window.location.assign(request.responseURL);
        } else {
          place.innerHTML = fresh.body.innerHTML;
        }
        if (!leads && request.status === 200 && data.get("action") === "apply") reloadHistory();
      });
      // Not form.action: a button of that name stands in its place.
      request.open("POST", form.getAttribute("action") + (form.dataset.import === "follow" ? "" : "?part=receipt"));
      request.send(data);
    });
  }

  // ---- work under way ---------------------------------------------------------------------------------------------
  const POLL_MS = 1000;

  async function poll(place) {
    let answer = null;
    try {
      answer = await fetch(window.location.pathname + "?part=state", { credentials: "same-origin" });
    } catch (error) {
      // The connection is away for a moment: the work goes on, ask again.
    }
    if (answer && !answer.ok) { window.location.reload(); return; }
    if (answer) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      // The same words stay: a button keeps its focus, and nothing is read out twice.
      if (signature(fresh) !== signature(place)) place.innerHTML = fresh.innerHTML;
    }
    if (place.querySelector("[data-working]")) setTimeout(function () { poll(place); }, POLL_MS);
  }

  const work = document.querySelector("[data-poll]");
  if (work && work.querySelector("[data-working]")) setTimeout(function () { poll(work); }, POLL_MS);

  async function reloadHistory() {
    const answer = await fetch(window.location.pathname, { credentials: "same-origin" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("history");
    if (fresh) document.getElementById("history").innerHTML = fresh.innerHTML;
  }
})();
