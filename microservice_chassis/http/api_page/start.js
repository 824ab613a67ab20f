// Shows the API document that lies beside this folder, whatever is in front of both.
SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  // The schemas are listed, and unfolded one by one: the names of all time zones are long.
  defaultModelsExpandDepth: 0,
  // Swagger UI would ask a service on the internet whether the document is valid.
  validatorUrl: null,
});
