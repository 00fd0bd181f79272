fn no_closures() {
    let function = in_current_phase!(render);
    let choice = in_current_phase!(if full { all } else { some });
    let future = in_current_phase!(async { render().await });
    let coroutine = in_current_phase!(static || 1);
    let two = in_current_phase!(|| 1, || 2);
    let nothing = in_current_phase!();
}
