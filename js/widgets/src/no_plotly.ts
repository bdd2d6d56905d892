/** In the place of Plotly's larger bundle: a widget is one file, and figures of others are previews in it. */
export default null;
