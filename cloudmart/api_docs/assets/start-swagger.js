// Opens Swagger UI on the document that the page names.
const root = document.getElementById("swagger-ui");

// Swagger UI has dark colours, and leaves it to the page when they are used.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

// What "Authorize" was told is kept until the tab is closed: a reload asks nobody again, and a
// password does not stay in the browser.
const KEPT = "authorized";
const keep = (action, system) => (payload) => {
  const result = action(payload);
  sessionStorage.setItem(KEPT, JSON.stringify(system.authSelectors.authorized()));
  return result;
};
const keeping = () => ({
  statePlugins: { auth: { wrapActions: { authorize: keep, logout: keep } } },
});

window.ui = SwaggerUIBundle({
  url: root.dataset.document,
  domNode: root,
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  plugins: [keeping],
  onComplete: () => {
    const kept = sessionStorage.getItem(KEPT);
    if (kept) window.ui.authActions.restoreAuthorization({ authorized: JSON.parse(kept) });
  },
  showExtensions: true,
  showCommonExtensions: true,
  validatorUrl: null,
});
