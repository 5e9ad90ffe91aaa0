"""The API's document and its pages, and the operations nearest to a wrong address."""
