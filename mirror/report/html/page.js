"use strict";
(() => {
  // Where the reader sees the share: from the page's own address, since each computer mounts it elsewhere.
  const shareHere = () => {
    if (location.protocol !== "file:") return null;
    const path = decodeURIComponent(location.pathname).replace(/\/\.oomirror\/[^/]*$/, "");
    if (location.host) return { root: "\\\\" + location.host + path.replaceAll("/", "\\"), slash: "\\" };
    const drive = /^\/([A-Za-z]:)(.*)$/.exec(path);
    if (drive) return { root: drive[1] + drive[2].replaceAll("/", "\\"), slash: "\\" };
    return { root: path, slash: "/" };
  };
  const here = shareHere();
  if (here) {
    for (const one of document.querySelectorAll("[data-below]")) {
      const below = one.dataset.below;
      one.textContent = below ? here.root + here.slash + below.replaceAll("/", here.slash) : here.root;
      for (let box = one; box && box.tagName !== "MAIN"; box = box.parentElement) {
        if (box.hidden) box.hidden = false;
        if (box.previousElementSibling && box.previousElementSibling.hidden) box.previousElementSibling.hidden = false;
      }
    }
  }
  const filter = document.querySelector("input");
  if (filter) {
    filter.hidden = false;
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const one of document.querySelectorAll(".ds")) {
        const text = one.dataset.words;
        one.hidden = !words.every((word) => text.includes(word));
      }
    });
  }
  // Paper cannot be unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
})();
