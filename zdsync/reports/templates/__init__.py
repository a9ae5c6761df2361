"""Page and style of the HTML report; read by html_page only."""
