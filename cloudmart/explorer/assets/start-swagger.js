// Opens Swagger UI on the document that the page names.
const root = document.getElementById("swagger-ui");
window.ui = SwaggerUIBundle({
  url: root.dataset.document,
  domNode: root,
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // A password has no place in what a browser keeps.
  persistAuthorization: false,
  showExtensions: true,
  showCommonExtensions: true,
  validatorUrl: null,
});
