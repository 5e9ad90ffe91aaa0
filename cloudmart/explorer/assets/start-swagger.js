// Opens Swagger UI on the document that the page names.
const root = document.getElementById("swagger-ui");
window.ui = SwaggerUIBundle({
  url: root.dataset.document,
  domNode: root,
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  persistAuthorization: true,
  showExtensions: true,
  showCommonExtensions: true,
  validatorUrl: null,
});
