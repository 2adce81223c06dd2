"use strict";

// Passkeys (W3C Web Authentication, level 3). All that needs them is hidden on the pages, because
// people sign in by code where there is no script or no passkey. It is shown from here.
(() => {
  const kind = window.PublicKeyCredential;
  const able =
    kind &&
    kind.parseCreationOptionsFromJSON &&
    kind.parseRequestOptionsFromJSON &&
    kind.prototype.toJSON;
  if (!able) {
    return;
  }

  async function credentialFor(form) {
    const answer = await fetch(form.dataset.options, {
      method: "POST",
      body: new URLSearchParams({ form: form.elements.form.value }),
      redirect: "error",
    });
    if (!answer.ok) {
      throw new Error(`refused with ${answer.status}`);
    }
    const asked = await answer.json();
    return "makes" in form.dataset
      ? navigator.credentials.create({ publicKey: kind.parseCreationOptionsFromJSON(asked) })
      : navigator.credentials.get({ publicKey: kind.parseRequestOptionsFromJSON(asked) });
  }

  async function send(event) {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    const failed = form.querySelector("[data-failed]");
    button.disabled = true;
    failed.hidden = true;
    try {
      const credential = await credentialFor(form);
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch {
      failed.hidden = false;
    } finally {
      button.disabled = false;
      // It lost the focus when it was switched off.
      button.focus();
    }
  }

  for (const part of document.querySelectorAll("[data-passkeys]")) {
    part.hidden = false;
  }
  for (const part of document.querySelectorAll("[data-without]")) {
    part.hidden = true;
  }
  for (const form of document.querySelectorAll("form[data-options]")) {
    form.hidden = false;
    form.addEventListener("submit", send);
  }
})();
